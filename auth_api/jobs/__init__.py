"""Jobs: work that takes longer than a request. Any process of the service may run them.

user_jobs       the jobs of users: submit, list, cancel
queue           the jobs in the database: claim, record answers, end
retries         leases and attempts: how an interrupted job is run again
runner          claims jobs and runs them in tasks
prediction_job  the kind of job that recognises many images
presenting      jobs as JSON and CSV
unfinished      metrics of jobs that wait or run
uploads         an upload becomes the input file of a job
upload_forms    its multipart form
zip_files       checks an uploaded zip and finds the images in it
zip_directory   its list of files
zip_names       names in it, as desktops write them
unpacking       reads an image from an input file, unpacking it
reservations    a place and room on the disk for each upload under way
input_files     the input files on the disk
work_folders    the work folders of trainings
"""
